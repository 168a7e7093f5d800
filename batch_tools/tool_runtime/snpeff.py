"""snpEff as Debian installs it.

It is started without Debian's wrapper, which writes its arguments into the output and a configuration into the home.
"""

from pathlib import Path

JAR = Path("/usr/share/java/snpeff.jar")
# Holds the genetic codes.
SYSTEM_CONFIGURATION = Path("/etc/snpeff/snpEff.config")

# What a database consists of, below one directory.
CONFIGURATION = "snpEff.config"
DATA = "snpeff_data"
GENOME = "genome"

# Of a job's memory, the rest being for what is no heap, and for the other programs of the pipe.
_HEAP_SHARE = 0.75
_SMALLEST_HEAP_MIB = 256


def snpeff(command: str, *, memory_mib: int) -> list[str]:
    """The beginning of a snpEff command: it takes its share of the job's memory, and asks nothing of the network."""
    heap = max(_SMALLEST_HEAP_MIB, int(memory_mib * _HEAP_SHARE))
    java = ["java", f"-Xmx{heap}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    return [*java, "-jar", str(JAR), command, "-c", CONFIGURATION, "-noLog"]
