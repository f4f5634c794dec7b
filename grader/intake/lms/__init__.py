"""What came from the LMS? A download, matched with the roster, becomes the hand-ins of a class.

    SOURCE -> Tree -> a reader's Download -> matched with the roster -> written beside its class list

A reader knows one LMS's names for things and nothing else: it never decides whose a file is where two could be meant.
"""
