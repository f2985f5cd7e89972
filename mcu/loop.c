// SPDX-License-Identifier: MIT
// Owns the queue of posted work and the one event source that empties it.
//
//   any thread --post--> queue --dispatch--> work(user) on the control loop
//   any thread --call--> the same, and waits on the call's own condition
//
// The queue is ours, rather than one GLib source per post, because only so can loop_quit() take
// back the calls that nobody would answer any more.
#include "mcu/loop.h"

#include <glib.h>
#include <pthread.h>
#include <stdlib.h>

// A thread that waits. Lives on that thread's stack; the loop lets go of it by ending it.
struct call {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended, was_run; // protected by lock
};

struct task {
    struct task *next;
    loop_work work;
    void *user;
    struct call *call; // NULL: posted, nobody waits
};

struct loop {
    // Immutable after loop_create().
    GMainContext *context;
    GSource *source;

    // Protected by lock, which is never held while work runs.
    pthread_mutex_t lock;
    struct task *first, **end;
    pthread_t thread; // whose the control loop is
    bool has_quit;
};

struct loop_source {
    GSource base;
    struct loop *loop;
};

struct timer {
    loop_work work;
    void *user;
};

static void call_end(struct call *call, bool was_run) {
    pthread_mutex_lock(&call->lock);
    call->was_run = was_run;
    call->has_ended = true;
    pthread_cond_signal(&call->ended);
    pthread_mutex_unlock(&call->lock);
}

static bool call_wait(struct call *call) {
    pthread_mutex_lock(&call->lock);
    while (!call->has_ended)
        pthread_cond_wait(&call->ended, &call->lock);
    pthread_mutex_unlock(&call->lock);
    return call->was_run;
}

static struct task *take_tasks(struct loop *loop) {
    pthread_mutex_lock(&loop->lock);
    struct task *tasks = loop->first;
    loop->first = NULL;
    loop->end = &loop->first;
    pthread_mutex_unlock(&loop->lock);
    return tasks;
}

static bool is_over(struct loop *loop) {
    pthread_mutex_lock(&loop->lock);
    bool has_quit = loop->has_quit;
    pthread_mutex_unlock(&loop->lock);
    return has_quit;
}

static void run_tasks(struct loop *loop, struct task *task) {
    while (task) {
        struct task *next = task->next;
        // A call that was taken from the queue just before the end is refused like those left in
        // it.
        bool may_run = !task->call || !is_over(loop);
        if (may_run)
            task->work(task->user);
        if (task->call)
            call_end(task->call, may_run);
        g_free(task);
        task = next;
    }
}

// What is posted meanwhile waits for the next turn, so that timers get theirs.
static gboolean on_dispatch(GSource *source, GSourceFunc callback, gpointer user) {
    struct loop *loop = ((struct loop_source *)source)->loop;
    g_source_set_ready_time(source, -1);
    run_tasks(loop, take_tasks(loop));
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = on_dispatch};

struct loop *loop_create(void) {
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return NULL;
    pthread_mutex_init(&loop->lock, NULL);
    loop->end = &loop->first;
    loop->thread = pthread_self();
    // The default context: GIO resolves names on it, and would hang if nobody turned it.
    loop->context = g_main_context_ref(g_main_context_default());
    loop->source = g_source_new(&source_funcs, sizeof(struct loop_source));
    ((struct loop_source *)loop->source)->loop = loop;
    g_source_set_ready_time(loop->source, -1);
    g_source_attach(loop->source, loop->context);
    return loop;
}

void loop_drain(struct loop *loop) {
    struct task *tasks;
    while ((tasks = take_tasks(loop)))
        run_tasks(loop, tasks);
}

void loop_destroy(struct loop *loop) {
    if (!loop)
        return;
    loop_quit(loop);
    loop_drain(loop);
    g_source_destroy(loop->source);
    g_source_unref(loop->source);
    g_main_context_unref(loop->context);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

void loop_run(struct loop *loop) {
    pthread_mutex_lock(&loop->lock);
    loop->thread = pthread_self();
    pthread_mutex_unlock(&loop->lock);
    // Not g_main_loop_run(): it would miss a quit that came just before it.
    while (!is_over(loop))
        g_main_context_iteration(loop->context, TRUE);
}

static struct task *take_calls(struct loop *loop) {
    struct task *calls = NULL, **calls_end = &calls;
    struct task **link = &loop->first;
    while (*link) {
        struct task *task = *link;
        if (!task->call) {
            link = &task->next;
            continue;
        }
        *link = task->next;
        task->next = NULL;
        *calls_end = task;
        calls_end = &task->next;
    }
    loop->end = link;
    return calls;
}

void loop_quit(struct loop *loop) {
    pthread_mutex_lock(&loop->lock);
    loop->has_quit = true;
    struct task *calls = take_calls(loop);
    g_main_context_wakeup(loop->context);
    pthread_mutex_unlock(&loop->lock);
    // From here on loop_run() may have returned, and the loop be gone.
    while (calls) {
        struct task *next = calls->next;
        call_end(calls->call, false);
        g_free(calls);
        calls = next;
    }
}

// False when a call comes too late. Posted work is always accepted.
static bool push(struct loop *loop, loop_work work, void *user, struct call *call) {
    struct task *task = g_new0(struct task, 1);
    task->work = work;
    task->user = user;
    task->call = call;
    pthread_mutex_lock(&loop->lock);
    bool is_accepted = !call || !loop->has_quit;
    if (is_accepted) {
        bool was_empty = !loop->first;
        *loop->end = task;
        loop->end = &task->next;
        // Under the lock: once it is released, a call's end may be the loop's end too.
        if (was_empty)
            g_source_set_ready_time(loop->source, 0);
    }
    pthread_mutex_unlock(&loop->lock);
    if (!is_accepted)
        g_free(task);
    return is_accepted;
}

void loop_post(struct loop *loop, loop_work work, void *user) {
    push(loop, work, user, NULL);
}

bool loop_call(struct loop *loop, loop_work work, void *user) {
    if (loop_is_current(loop)) {
        work(user);
        return true;
    }
    struct call call = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
    bool was_run = push(loop, work, user, &call) && call_wait(&call);
    pthread_cond_destroy(&call.ended);
    pthread_mutex_destroy(&call.lock);
    return was_run;
}

static gboolean on_timer(gpointer user) {
    struct timer *timer = user;
    timer->work(timer->user);
    return G_SOURCE_CONTINUE;
}

unsigned loop_every(struct loop *loop, unsigned interval_ms, loop_work work, void *user) {
    struct timer *timer = g_new(struct timer, 1);
    timer->work = work;
    timer->user = user;
    GSource *source = g_timeout_source_new(interval_ms);
    g_source_set_callback(source, on_timer, timer, g_free);
    unsigned id = g_source_attach(source, loop->context);
    g_source_unref(source);
    return id;
}

void loop_stop_timer(struct loop *loop, unsigned id) {
    GSource *source = id ? g_main_context_find_source_by_id(loop->context, id) : NULL;
    if (source)
        g_source_destroy(source);
}

bool loop_is_current(struct loop *loop) {
    pthread_mutex_lock(&loop->lock);
    bool is_current = pthread_equal(loop->thread, pthread_self());
    pthread_mutex_unlock(&loop->lock);
    return is_current;
}
