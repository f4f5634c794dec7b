"""Where do students hand in by themselves? A page and a REST API, with the same jobs behind them."""
