/* How many CPUs this process may use. */
#ifndef BASE_CPUS_H
#define BASE_CPUS_H

/* The CPUs of its affinity, or fewer where a control group's quota (cgroups(7), version 2 or 1)
   does not last for as many: a quota of a part of a CPU counts as a whole one. At least 1. Reads
   /proc/self/cgroup and /sys/fs/cgroup; what cannot be read sets no limit. */
unsigned cpus_usable(void);

/* The quota's part of it, for files beneath `root` instead of /; 0 where there is no quota. */
unsigned cpus_by_quota(const char *root);

#endif
