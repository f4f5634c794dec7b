"""What the grader's two web pages share: the guard before them, sessions and people, the look, files of students.

guard: which requests are answered, and what a browser may do with an answer
app: an app with the guard, the static files and the error pages; pages: Jinja that always escapes
people: staff, by invitations, one-time links and tokens, with roles; tokens: how a secret is made and kept
uploaded: what students handed in, shown as text or sent as an attachment
serving: where a page listens
"""
