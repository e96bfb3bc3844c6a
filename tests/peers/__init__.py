"""Other mail servers, run from folders of their own, for conversations and comparisons.

Each is a class with `start`, `stop` and what a test asks of it. Nothing is installed, no service is started
and nothing outside of the folder given is written. They have to be started by root, as on any machine, since
they give up rights that only root has.
"""

from .opensmtpd import OpenSMTPD
from .postfix import Postfix

__all__ = ["OpenSMTPD", "Postfix"]
