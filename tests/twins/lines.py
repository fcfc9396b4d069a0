"""Bytes -> lines -> pieces -> chunks, one byte at a time."""

LF, CR = b"\n", b"\r"


def pieces(data, max_piece):
    """[(bytes, closed)]: the lines of `data`, without a carriage return before the line feed, without empty ones."""
    found = []
    for line in data.split(LF):
        body = line[:-1] if line.endswith(CR) else line
        while len(body) > max_piece:
            found.append((body[:max_piece], False))
            body = body[max_piece:]
        if body:
            found.append((body, True))
    return found


def chunk_starts(line_pieces, separator, max_chunk):
    """Where chunks begin in the pieces laid end to end, each closed one followed by its terminator."""
    starts, at = [], 0
    for body, closed in line_pieces:
        since = 0
        for index in range(len(body)):
            if index == 0 or separator[body[index - 1]] or since == max_chunk:
                starts.append(at + index)
                since = 0
            since += 1
        at += len(body)
        if closed:
            starts.append(at)
            at += 1
    return starts
