/* tunnel_parts.h — the parts of test_tunnel. */
#ifndef UNIT_TUNNEL_PARTS_H
#define UNIT_TUNNEL_PARTS_H

extern void test_pump(void);

#endif							/* UNIT_TUNNEL_PARTS_H */
