"""llama.cpp's own server, as a program: a model file and a key in, its address out.

The model is loaded and run in a process of its own, which ends with its standard input.
"""

import importlib
import os
import sys
from typing import Any

xllamacpp: Any = importlib.import_module("xllamacpp")  # it has no types


def main(path: str, key: str) -> None:
    params = xllamacpp.CommonParams()
    params.model.path = path
    # With a busy neighbour one thread is several times faster than two that wait for each other.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_parallel = 2
    params.n_ctx = 2 * 1024
    params.n_batch = params.n_ubatch = 64
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.ui = False
    params.endpoint_slots = True
    params.verbosity = 1
    params.cache_ram_mib = 0
    params.fit_params = False
    params.warmup = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    os._exit(0)  # native threads may be in the middle of a token


if __name__ == "__main__":
    main(*sys.argv[1:])
