"""What runs inside the box, beside the student's bytes. Copied there as a package of its own: imports no `grader`.

`start` is the first file that runs; a program is a module with `main(request, box)` and, where it needs heavy
libraries, `prepare()`, which runs before the first student byte is touched.
"""
