/* Memory for libraries that do not live without. */
#ifndef BASE_RESERVE_H
#define BASE_RESERVE_H

#include <stdbool.h>

/* Whether there is memory left for a library to parse a file with, which it frees again. libtasn1
   and GMP (in GnuTLS, for certificates) crash or abort where there is none: who calls them makes
   sure beforehand, so that no reload or renewal ends the service. */
bool reserve_is_there(void);

#endif
