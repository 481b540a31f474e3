"""The same work in this process, in several, or on a Dask cluster, with the same results.

```python
with open_tasks(workers=2) as tasks:
    for result in tasks.map(function, items, shared=data):
        ...
```
Results come in the order of the items, few at a time, so memory stays bounded however many items
there are. Exceptions of a task come back as themselves.
"""

from __future__ import annotations

from cosim.tasks.base import Tasks, open_tasks

__all__ = ["Tasks", "open_tasks"]
