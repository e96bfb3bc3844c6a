"""Ways of taking a disk away from a gateway, and of finding out what it kept.

`guest`: a machine whose power is cut. `failing.c`: a disk that fails an operation. `withheld.c`: one that lies.
`afterwards`: the gateway started again, all delivered, and compared with what was acknowledged.
"""
