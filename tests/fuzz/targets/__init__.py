"""Every parser of the program, a file each."""

from tests.fuzz.targets import (
    arrays,
    card,
    cifar,
    command_line,
    dataset_description,
    dataset_table,
    image,
    name,
    network,
    query,
    repair,
    status,
    table,
    tar,
    trigger,
    zip_archive,
)

TARGETS = (
    card.TARGET,
    *table.TARGETS,
    status.TARGET,
    network.TARGET,
    arrays.TARGET,
    zip_archive.TARGET,
    tar.TARGET,
    cifar.TARGET,
    dataset_description.TARGET,
    dataset_table.TARGET,
    image.TARGET,
    trigger.TARGET,
    repair.TARGET,
    *name.TARGETS,
    query.TARGET,
    command_line.TARGET,
)
