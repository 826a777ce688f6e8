"""Every setting of a container, and what becomes of it in the next one.

The fields are those of the engine API's schema, versions 1.41 to 1.56 (``ContainerConfig``,
``HostConfig`` with ``Resources``, ``EndpointSettings``). What a field holds goes over whole,
whatever is nested in it. A test holds the table against the schema, and
:func:`unknown_fields` finds what a newer engine has beside it: what is not understood is not
silently dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    """What becomes of a field when a container is made anew on another image."""

    CARRIED = "carried"  # the owner's or the host's: it goes over as it is
    INHERITED = "inherited"  # the image may have set it: what equals the old image's gives way
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Field:
    """A field's fate, and why, where that is not plain."""

    fate: Fate
    why: str = ""


_C, _I, _N = Fate.CARRIED, Fate.INHERITED, Fate.NOT_APPLICABLE
_WINDOWS = "Windows only"


def _fields(fate: Fate, names: str, why: str = "") -> dict[str, Field]:
    return {name: Field(fate, why) for name in names.split()}


CONFIG: Mapping[str, Field] = {
    **_fields(_I, "User ExposedPorts Env Cmd Entrypoint WorkingDir Labels StopSignal"),
    **_fields(_I, "Healthcheck", "part by part: what is left out is the image's"),
    **_fields(_I, "Volumes", "paths alone; the volumes themselves go over by name"),
    **_fields(_C, "Shell OnBuild", "an engine gives a container none of its image's"),
    **_fields(_N, "ArgsEscaped", _WINDOWS),
    **_fields(_C, "Domainname AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce"),
    **_fields(_C, "NetworkDisabled StopTimeout"),
    **_fields(_C, "Hostname", "not where the engine made it of the container's id"),
    **_fields(_C, "MacAddress", "its owner's: one that the engine made is only in the endpoint"),
    **_fields(_N, "Image", "the new one's"),
}

HOST: Mapping[str, Field] = {
    **_fields(_C, "CpuShares Memory CgroupParent BlkioWeight BlkioWeightDevice"),
    **_fields(_C, "BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps"),
    **_fields(_C, "BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuRealtimePeriod"),
    **_fields(_C, "CpuRealtimeRuntime CpusetCpus CpusetMems Devices DeviceCgroupRules"),
    **_fields(_C, "DeviceRequests KernelMemory KernelMemoryTCP MemoryReservation MemorySwap"),
    **_fields(_C, "MemorySwappiness NanoCpus OomKillDisable Init PidsLimit Ulimits"),
    **_fields(_C, "LogConfig NetworkMode PortBindings VolumeDriver CapAdd CapDrop CgroupnsMode"),
    **_fields(_C, "Dns DnsOptions DnsSearch ExtraHosts GroupAdd IpcMode Cgroup Links"),
    **_fields(_C, "OomScoreAdj PidMode Privileged PublishAllPorts ReadonlyRootfs SecurityOpt"),
    **_fields(_C, "StorageOpt Tmpfs UTSMode UsernsMode ShmSize Sysctls Runtime"),
    **_fields(_C, "Annotations Umask"),
    **_fields(_C, "RestartPolicy", "set when the new one is known to work"),
    **_fields(_C, "Binds", "anonymous volumes are added by name"),
    **_fields(_C, "Mounts", "a volume without a name is mounted by the name that it got"),
    **_fields(_N, "VolumesFrom", "its volumes go over by name: the other may be gone"),
    **_fields(_N, "AutoRemove", "such a container is never touched: stopping it deletes it"),
    **_fields(_N, "ContainerIDFile", "the client's: it was written when the old one was made"),
    **_fields(_N, "MaskedPaths ReadonlyPaths", "the engine's own list; a newer one has another"),
    **_fields(_N, "CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth Isolation", _WINDOWS),
    **_fields(_N, "ConsoleSize", "the terminal's that it was started from"),
}

ENDPOINT: Mapping[str, Field] = {
    **_fields(_C, "IPAMConfig Links DriverOpts GwPriority"),
    **_fields(_C, "Aliases", "not the container's short id"),
    **_fields(_N, "NetworkID EndpointID Gateway IPAddress IPPrefixLen IPv6Gateway", "a result"),
    **_fields(_N, "GlobalIPv6Address GlobalIPv6PrefixLen DNSNames", "a result"),
    **_fields(_N, "MacAddress", "made by the engine: two would have it while both are there"),
}


def unknown_fields(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of an inspect document that the tables do not have and that are set."""
    networks = (document.get("NetworkSettings") or {}).get("Networks") or {}
    parts: list[tuple[str, Mapping[str, Any], Mapping[str, Field]]] = [
        ("Config", document.get("Config") or {}, CONFIG),
        ("HostConfig", document.get("HostConfig") or {}, HOST),
        *(("EndpointSettings", one or {}, ENDPOINT) for one in networks.values()),
    ]
    return tuple(
        sorted(
            {
                f"{part}.{name}"
                for part, values, table in parts
                for name, value in values.items()
                if name not in table and value not in (None, "", 0, False, [], {})
            }
        )
    )
