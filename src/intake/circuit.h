/*
 * circuit.h
 *		Whether messages of a channel are tried.
 *
 *		closed		they are
 *		open		they are parked: the last ones have failed, or somebody said so
 *		half open	the pause is over: one is tried, the probe; if it goes well the
 *					circuit closes, otherwise it pauses again
 *
 *		All of it is remembered by the backend (base/memo.h): a channel that
 *		goes well costs no statement.
 *
 *		Memory: CurrentMemoryContext.  Locks: the row of the circuit by who holds
 *		the probe, after the message; nobody waits for it.
 */
#ifndef USOM_INTAKE_CIRCUIT_H
#define USOM_INTAKE_CIRCUIT_H

#include "intake/inbox.h"
#include "party/house.h"

typedef enum UsomCircuit
{
	USOM_CIRCUIT_CLOSED,
	USOM_CIRCUIT_HALF_OPEN,
	USOM_CIRCUIT_OPEN
} UsomCircuit;

/* A row of usom.intake_policy, or what stands in for it. */
typedef struct UsomIntakePolicy
{
	const char *channel;
	int32		max_attempts;
	int64		back_off;		/* microseconds, as the next three */
	int64		open_window;
	int64		pause;
	int32		open_after;		/* 0: not looked at */
	int32		open_above;		/* ten-thousandths; -1: not looked at */
	int32		open_at_least;
	bool		forced_open;
	bool		forced_closed;
} UsomIntakePolicy;

/* Channels that are passed over. */
typedef struct UsomShut
{
	int			count;
	int64	   *channels;
} UsomShut;

/* ---- policy.c ---- */

extern UsomIntakePolicy usom_intake_policy(int64 org_id, const char *channel);

extern UsomCircuit usom_circuit_state(int64 org_id, int64 channel_id);

/* Channels whose circuits are open; half open; one more. */
extern UsomShut usom_circuit_shut(int64 org_id);
extern UsomShut usom_circuit_half_open(int64 org_id);
extern void usom_circuit_pass_over(UsomShut *shut, int64 channel_id);

/* ---- circuit.c ---- */

/* May the message be tried?  Of a half open circuit it is the probe then, if there is no other one. */
extern bool usom_circuit_lets(UsomMessage *message);

/* Somebody tries it whatever the circuit is: if that is not closed, as a probe. */
extern void usom_circuit_probe(UsomMessage *message);

/* Of a half open circuit: may a message be leased, as the probe?  It was: the next pause begins. */
extern bool usom_circuit_may_lease(int64 org_id, int64 channel_id);
extern void usom_circuit_pause(int64 org_id, int64 channel_id, const char *channel);

/* What came of it. */
extern void usom_circuit_learn(const UsomMessage *message);

/* health.c: open and close exception cases as channels are now. */
extern uint64 usom_intake_watch(int64 org_id);

/* verbs.c: US006 for an unknown channel, or one that takes no new orders; 42501 for one that is not the caller's. */
extern const UsomChannel *usom_intake_channel(int64 org_id, const char *code);

#endif							/* USOM_INTAKE_CIRCUIT_H */
