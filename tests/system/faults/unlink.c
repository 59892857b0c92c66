/* For LD_PRELOAD beside libfaketime: at its end that removes the shared memory of its own, which
   the filter of system calls does not allow. The test removes it instead. */

/* NOLINTBEGIN: the names are the C library's. */
int shm_unlink(const char *name);
int sem_unlink(const char *name);
/* NOLINTEND */

int shm_unlink(const char *name)
{
    (void)name;
    return 0;
}

int sem_unlink(const char *name)
{
    (void)name;
    return 0;
}
