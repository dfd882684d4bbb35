"""The child processes of the server.

__main__.py       the worker of a device: takes jobs one after another and runs their stages
frames.py         the reader of plate frames for viewers
channel.py        messages over the standard input and output, kept clean of what libraries print
observer.py       what a running job says to the server
job_output.py     the job's log, and its native libraries' prints
lifeline.py       ending with the server, whatever this process is busy with
"""
