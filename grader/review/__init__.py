"""Where does a TA look at what the program could not decide? A page, served on the TA's own machine."""
