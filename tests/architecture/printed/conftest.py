# These two import torch and the printing tools: they are run by hand, in an environment that has them.
collect_ignore = ["zoo.py", "make_printed.py"]
