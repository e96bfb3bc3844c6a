"""The benchmark: mail servers under the same load, in turns, on the same disk.

What it promises:

* Both servers run from their default configuration, except for where they listen, their next hop, whose mail
  they relay and their folders; every exception is printed with the result.
* Rounds are interleaved and their order turns, so that a slow minute of the machine hits everybody.
* CPU is that of all processes of a server, dead ones included, by a control group of their own.
* Every message sent is counted and summed up at the sink. A run that lost or changed one has no figures.
* Both use the same folder's file system, which must be on a block device: memory would hide what durable
  mail costs.

Bytes written and flushes are those of the whole device: keep the machine quiet.
"""
