"""What gunicorn is started with: `python -m gunicorn config.wsgi`, in the container and as a plain process alike."""

from config.environment import environment

bind = f"[{environment.host}]:{environment.port}" if ":" in environment.host else f"{environment.host}:{environment.port}"

workers = environment.workers
worker_class = "gthread"
# A thread keeps one connection to the database, so there are as many threads as connections.
threads = environment.db_pool_size
# Loaded once and shared by the processes, as long as nobody writes to it.
preload_app = True

# Longer than a load balancer in front leaves its connections idle.
keepalive = 75
worker_connections = 4096
# Below the contract's five seconds.
graceful_timeout = 4
# It would be a file outside /tmp.
control_socket_disable = True
