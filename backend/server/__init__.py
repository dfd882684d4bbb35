"""The server process: standard library and msgpack only, so that it starts at once and always answers.

serve.py         start and end: instance lock, connection file, signals, listening
session.py       one client: hello, requests, errors
outbox.py        what waits to be sent to one client, bounded
methods.py       the methods of the wire
hub.py           events to the clients that watch
job_book.py      every job and its changes of state; exactly one terminal event each
job_queue.py     which job is next
history.py       jobs on disk (SQLite)
job_logs.py      logs on disk
dispatcher.py    queued jobs to workers
worker.py        the worker process of a device, and what its death means
child.py         any child process that speaks the wire on its stdin and stdout
process_tree.py  ending a child together with its own children
leftovers.py     half-written files of a worker that was killed
frames.py        plate frames for viewers
checkup.py       doctor and engines, run in a process of their own
"""
