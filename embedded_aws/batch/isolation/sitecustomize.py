"""Runs first in every Python that the embedded AWS starts for a container or a function.

The interpreter is the platform's own, where its source tree is installed for development. A container does not have
that: what was not copied into the image, or put into the package, must not be found.
"""

import os
import sys

_own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
sys.path[:] = [place for place in sys.path if place in _own or place.startswith((sys.prefix, sys.base_prefix))]
