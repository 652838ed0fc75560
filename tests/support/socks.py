"""A SOCKS5 proxy that leads chosen host names to loopback ports and refuses everything else: the whole internet of a test."""

import select
import socket
import socketserver
import struct
import threading


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self._serve()
        except (OSError, struct.error):
            pass

    def _read(self, length):
        data = b""
        while len(data) < length:
            chunk = self.request.recv(length - len(data))
            if not chunk:
                raise OSError("closed")
            data += chunk
        return data

    def _serve(self):
        _, count = self._read(2)
        self._read(count)
        self.request.sendall(b"\x05\x00")
        _, command, _, kind = self._read(4)
        if kind == 3:
            host = self._read(self._read(1)[0]).decode("ascii", "replace").lower()
        else:
            host = socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, self._read(4 if kind == 1 else 16))
        (port,) = struct.unpack(">H", self._read(2))
        target = self.server.route(host, port) if command == 1 else None
        self.server.asked.append((host, port))
        if target is None:
            self.request.sendall(b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00")
            return
        with socket.create_connection(target, timeout=20) as upstream:
            self.request.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            self._pump(upstream)

    def _pump(self, upstream):
        while True:
            readable, _, _ = select.select([self.request, upstream], [], [], 60)
            if not readable:
                return
            for source in readable:
                data = source.recv(65536)
                if not data:
                    return
                (upstream if source is self.request else self.request).sendall(data)


class Socks(socketserver.ThreadingTCPServer):
    """routes: {host name: {port: (ip, port)}}; asked collects what the client wanted to reach."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, routes):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.routes = routes
        self.asked = []

    def route(self, host, port):
        return self.routes.get(host, {}).get(port)

    @property
    def port(self):
        return self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
