#ifndef GPUSIM_NODES_H
#define GPUSIM_NODES_H

/*
 * Opens /dev/<name>[<minor>] as the driver would; no number is added when minor < 0.
 * 0 when the caller may use the device, else the (positive) error number.
 */
int open_node(const char *name, int minor);

#endif
