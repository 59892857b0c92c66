/* Spans of time in words. */
#ifndef CHECK_FINDINGS_DURATION_H
#define CHECK_FINDINGS_DURATION_H

/* "90 days", "47 hours", "1 second": whole units, rounded down, of the largest of which there are
   at least two. To be freed. */
char *duration_text(long long seconds);

#endif
