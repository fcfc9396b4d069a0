"""What debuggers say, as they say it."""

from harness.diagnosis.crash_site import read_attached, read_gdb, read_sanitizer, read_valgrind
from harness.diagnosis.investigate import first_told

VALGRIND = """\
==9== Invalid write of size 8
==9==    at 0x4849D63: memmove (in /usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so)
==9==    by 0x10A0D3: keep_line (c_trainer.c:128)
==9==    by 0x10A0D3: learn_line (c_trainer.c:140)
==9==  Address 0x4a9b8a8 is 296 bytes inside a block of size 300 alloc'd
==9==    at 0x4844818: malloc (vg_replace_malloc.c:446)
"""
OVERFLOW = """\
==7== Stack overflow in thread #1: can't grow stack to 0x1ffe801000
==7==
==7== Process terminating with default action of signal 11 (SIGSEGV)
==7==    at 0x109F5C: descend (c_trainer.c:123)
"""
GDB = """\
Program received signal SIGSEGV, Segmentation fault.
0x0000555555555 in learn (path=0x7ffe "x") at c_trainer.c:178
#0  learn (path=path@entry=0x7fffffffe5b8 "/x") at c_trainer.c:178
#1  0x0000555555555213 in main (count=4, words=0x7fffffffe2a8) at c_trainer.c:240
"""
SANITIZER = """\
==5==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x611 at pc 0x7f
WRITE of size 350 at 0x611 thread T0
    #0 0x7f in __interceptor_memcpy ../../../../src/libsanitizer/sanitizer_common/sanitizer.inc:827
    #1 0x55 in keep_line /src/c_trainer.c:128
"""


def test_valgrind_names_the_line_and_the_block():
    site = read_valgrind(VALGRIND)
    assert site.where == "keep_line (c_trainer.c:128)"
    assert "block of size 300" in site.what


def test_valgrind_names_a_stack_overflow():
    site = read_valgrind(OVERFLOW)
    assert site.what.startswith("Stack overflow")
    assert site.where == "descend (c_trainer.c:123)"


def test_gdb_names_the_signal_and_the_first_frame_of_the_program():
    site = read_gdb(GDB)
    assert site.what == "SIGSEGV (Segmentation fault)"
    assert site.where == "learn (c_trainer.c:178)"
    assert len(site.stack) == 2


def test_gdb_names_where_a_program_is():
    site = read_attached(
        "#0  0x00007f93 in __libc_pause () at ../sysdeps/unix/sysv/linux/pause.c:29\n"
        "#1  0x00005631 in learn (path=<optimized out>) at c_trainer.c:181\n"
    )
    assert site.what == "is in __libc_pause"
    assert site.where == "learn (c_trainer.c:181)"


def test_py_spy_names_where_a_program_in_python_is():
    site = read_attached(
        'Process 7: python t.py\nPython v3.11.7\n\nThread 7 (idle): "MainThread"\n    Model.learn (t.py:23)\n'
        '    <module> (t.py:40)\n\nThread 8 (idle): "other"\n    wait (threading.py:1)\n'
    )
    assert (site.tool, site.what, site.where) == ("py-spy", "is in Model.learn", "Model.learn (t.py:23)")
    assert len(site.stack) == 2
    assert read_attached("Error: no such process\n") is None


def test_of_several_stacks_the_first_that_tells_is_taken():
    told = "#0  0x00005631 in learn (path=<optimized out>) at c_trainer.c:181\n"
    site = first_told(["Error: no such process\n", "#0  0x00007f93 in ?? ()\n#1  0x0000 in ?? ()\n", told])
    assert site.where == "learn (c_trainer.c:181)"
    assert first_told([]) is None


def test_the_sanitizers_own_frames_are_not_the_place():
    site = read_sanitizer(SANITIZER)
    assert site.what == "heap-buffer-overflow"
    assert site.where == "keep_line (/src/c_trainer.c:128)"


def test_what_says_nothing_gives_nothing():
    assert read_valgrind("all well") is read_gdb("all well") is read_sanitizer("all well") is None
