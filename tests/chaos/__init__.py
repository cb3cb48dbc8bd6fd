"""Memory under attack: workers are killed, turns are cancelled, servers crash.

`make chaos` lets several processes share each store, kills them and crashes the store's private
server meanwhile, and then compares what is stored with what readers were told. Each worker
writes down a turn as acknowledged, and waits for the disk, after the end of the stream has come.
"""
