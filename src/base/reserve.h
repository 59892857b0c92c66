/* Checks for free memory before calling libraries that abort when malloc fails. */
#ifndef BASE_RESERVE_H
#define BASE_RESERVE_H

#include <stdbool.h>

/* Whether there is enough memory for GnuTLS to parse a certificate and its key. Its libraries
   libtasn1 and GMP crash or abort where there is none; a caller that checks first survives a reload
   or renewal with little memory. Another thread can still take the memory in between. */
bool reserve_is_there(void);

#endif
