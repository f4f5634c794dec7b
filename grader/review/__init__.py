"""What does the staff look at and decide? The review page: a queue of what waits, and a page for each hand-in.

app: the app with everything below, for one course and its gradebook
desk: what every page needs: who is signed in, which hand-in is meant, what may be shown of it
queue, hand_in, deciding, files, exhibits, staff: the pages; veil: anonymous mode; codes: how a hand-in is called
"""
