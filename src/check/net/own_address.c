#include "check/net/own_address.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* RTM_GETROUTE for one destination (rtnetlink(7)). */
struct question {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr attribute;
    unsigned char destination[16];
};

static bool send_question(int socket, const struct ip_address *address)
{
    unsigned char size = address->family == AF_INET ? 4 : 16;
    struct question question = {
        .header = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
        .route = {.rtm_family = (unsigned char)address->family,
                  .rtm_dst_len = (unsigned char)(size * 8U)},
        .attribute = {.rta_type = RTA_DST, .rta_len = (unsigned short)RTA_LENGTH(size)},
    };
    memcpy(question.destination, address->bytes, size);
    question.header.nlmsg_len = (unsigned)(sizeof(question) - sizeof(question.destination) + size);
    return send(socket, &question, question.header.nlmsg_len, 0) ==
           (ssize_t)question.header.nlmsg_len;
}

/* An error means that there is no route, so the address is not this machine's. */
static bool read_answer(int socket)
{
    _Alignas(struct nlmsghdr) unsigned char buffer[4096];
    ssize_t length = recv(socket, buffer, sizeof(buffer), 0);
    struct nlmsghdr header;
    struct rtmsg route;
    if (length < (ssize_t)sizeof(header)) {
        return true;
    }
    memcpy(&header, buffer, sizeof(header));
    if (header.nlmsg_type != RTM_NEWROUTE || length < (ssize_t)NLMSG_LENGTH(sizeof(route))) {
        return header.nlmsg_type != NLMSG_ERROR;
    }
    memcpy(&route, buffer + NLMSG_HDRLEN, sizeof(route));
    return route.rtm_type == RTN_LOCAL;
}

bool own_address_is(const struct ip_address *address)
{
    int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    bool own = true;
    if (kernel >= 0) {
        own = !send_question(kernel, address) || read_answer(kernel);
        close(kernel);
    }
    return own;
}
