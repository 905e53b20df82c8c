"""Lets nobody execute a file on the mount of a directory, by the kernel's means that fapolicyd uses.

usage: systemd-run --property=Type=notify python3 deny.py DIRECTORY
"""

import ctypes
import os
import socket
import struct
import sys

FAN_CLASS_CONTENT = 4
FAN_MARK_ADD_MOUNT = 0x1 | 0x10
FAN_OPEN_EXEC_PERM = 0x40000
FAN_DENY = 2
AT_FDCWD = -100
EVENT = struct.Struct('=IBBHQii')  # length, version, reserved, length of metadata, mask, descriptor, process

libc = ctypes.CDLL(None, use_errno=True)
group = libc.fanotify_init(FAN_CLASS_CONTENT, os.O_RDONLY)
marked = libc.fanotify_mark(group, FAN_MARK_ADD_MOUNT, ctypes.c_uint64(FAN_OPEN_EXEC_PERM), AT_FDCWD,
                            os.fsencode(sys.argv[1]))
if group < 0 or marked < 0:
    sys.exit(f'cannot watch {sys.argv[1]}: {os.strerror(ctypes.get_errno())}')
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])
while True:
    events = os.read(group, 4096)
    for start in range(0, len(events), EVENT.size):
        descriptor = EVENT.unpack_from(events, start)[5]
        os.write(group, struct.pack('=iI', descriptor, FAN_DENY))
        os.close(descriptor)
