"""Lines of job logs as people read them. No bpy here."""

from __future__ import annotations

import datetime
import json


def readable_line(line: str) -> str:
    """A JSON line of a log as `14:03:21  warning  solve   few features`; what is none stays as it is."""
    try:
        said = json.loads(line)
        when = datetime.datetime.fromtimestamp(float(said["time"])).strftime("%H:%M:%S")
        return f"{when}  {said['level']:<7}  {said.get('stage', ''):<6}  {said['message']}"
    except (ValueError, KeyError, TypeError):
        return line
