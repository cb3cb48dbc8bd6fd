"""What junto costs, beside a floor and its peers: `make bench`.

Each figure is the ratio of a contender's CPU time to that of the *floor*: raw aiohttp and orjson
that read the same bytes from the same server, in the same run, in turns.
`docs/explanation/speed.md` tells the method and shows a table.
"""
