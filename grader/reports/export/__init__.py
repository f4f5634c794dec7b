"""How do grades go back to where the hand-ins came from? Into the own files of each LMS."""
