"""Each file is NNNN_name.py, with the revision NNNN."""
