"""How is a grade shown as a page? One file that needs no network, for a student, for a class, on paper."""
