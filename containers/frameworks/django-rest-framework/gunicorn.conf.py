"""What gunicorn is started with: `python -m gunicorn config.wsgi`, in the container and as a plain process alike."""

import socket
import sys

from config.environment import environment

ipv6 = ":" in environment.host
bind = f"[{environment.host}]:{environment.port}" if ipv6 else f"{environment.host}:{environment.port}"

workers = environment.workers
worker_class = "gthread"
# A thread keeps one connection to the database, so there are as many threads as connections.
threads = environment.db_pool_size
# Loaded once and shared by the processes, as long as nobody writes to it.
preload_app = True

# A listening socket for each process, over which the kernel spreads the connections. Of one that they share, whichever
# process runs at the moment takes as many as it finds, and keeps them.
reuse_port = True
# Longer than a load balancer in front leaves its connections idle.
keepalive = 75
worker_connections = 4096
# The contract has five seconds, and a worker whose threads wait for a silent connection is ended only then.
graceful_timeout = 3
# It would be a file outside /tmp.
control_socket_disable = True


def on_starting(server):
    # With reuse_port the processes bind by themselves, and are started again and again where they cannot.
    try:
        family = socket.AF_INET6 if ipv6 else socket.AF_INET
        socket.create_server((environment.host, environment.port), family=family, reuse_port=True).close()
    except OSError as error:
        sys.exit(f"cannot bind to {bind}: {error}")
