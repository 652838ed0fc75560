"""A name server that answers A questions for chosen names with 127.0.0.1 and everything else with NXDOMAIN."""

import socketserver
import struct
import threading


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        packet, sock = self.request
        if len(packet) < 12:
            return
        identity, _, questions = struct.unpack(">HHH", packet[:6])
        labels, position = [], 12
        while position < len(packet) and packet[position]:
            length = packet[position]
            labels.append(packet[position + 1:position + 1 + length].decode("ascii", "replace"))
            position += length + 1
        if questions != 1 or position + 5 > len(packet):
            return
        name = ".".join(labels).lower()
        kind, = struct.unpack(">H", packet[position + 1:position + 3])
        question = packet[12:position + 5]
        known = name in self.server.names
        answer = b""
        if known and kind == 1:
            answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1])
        code = 0 if known else 3
        header = struct.pack(">HHHHHH", identity, 0x8580 | code, 1, 1 if answer else 0, 0, 0)
        sock.sendto(header + question + answer, self.client_address)


class Dns(socketserver.ThreadingUDPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, names, port=53):
        super().__init__(("127.0.0.1", port), _Handler)
        self.names = {name.lower() for name in names}

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
