/* What a worker's epoll set watches. An event's pointer leads to a struct that begins with one of
   these, which says what kind of struct it is. */
#ifndef DAEMON_NET_EVENTS_H
#define DAEMON_NET_EVENTS_H

enum event_source {
    EVENT_LISTENER,    /* struct listener: clients can be accepted */
    EVENT_CONNECTION,  /* struct connection: its client has sent something, or hung up */
    EVENT_HTTP_DAEMON, /* struct http_daemon: one of its connections has an event */
    EVENT_WAKE_UP,     /* struct worker: another thread wants a new round to begin */
};

#endif
