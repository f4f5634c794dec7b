"""What was decided about each hand-in, by the program and by people, and what was it before? Kept in SQL."""
