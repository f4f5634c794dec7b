"""What do all pages share? Who may ask, what a browser may do with the answer, and how pages are drawn."""
