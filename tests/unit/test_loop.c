// SPDX-License-Identifier: MIT
#include "mcu/loop.h"

#include <glib.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { POSTERS = 4, POSTS = 2000 };

static void *run(void *user) {
    loop_run(user);
    return NULL;
}

static void say_started(void *user) {
    sem_post(user);
}

// A loop that runs on its own thread until stop_loop().
static struct loop *start_loop(pthread_t *thread) {
    sem_t started;
    sem_init(&started, 0, 0);
    struct loop *loop = loop_create();
    assert_non_null(loop);
    loop_post(loop, say_started, &started);
    assert_int_equal(pthread_create(thread, NULL, run, loop), 0);
    sem_wait(&started);
    sem_destroy(&started);
    return loop;
}

static void stop_loop(struct loop *loop, pthread_t thread) {
    loop_quit(loop);
    pthread_join(thread, NULL);
    loop_destroy(loop);
}

static void do_nothing(void *user) {}

static void quit(void *user) {
    loop_quit(user);
}

static void count(void *user) {
    ++*(int *)user;
}

// ---- order ----

struct poster {
    struct loop *loop;
    int next, wrong; // control loop only
};

struct post {
    struct poster *poster;
    int number;
};

static void check_order(void *user) {
    struct post *post = user;
    if (post->number != post->poster->next++)
        post->poster->wrong++;
    g_free(post);
}

static void *post_many(void *user) {
    struct poster *poster = user;
    for (int i = 0; i < POSTS; i++) {
        struct post *post = g_new(struct post, 1);
        *post = (struct post){poster, i};
        loop_post(poster->loop, check_order, post);
    }
    return NULL;
}

static void test_loop_runs_posts_in_the_order_of_each_thread(void **state) {
    pthread_t thread, threads[POSTERS];
    struct poster posters[POSTERS];
    struct loop *loop = start_loop(&thread);
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.loop = loop};
        pthread_create(&threads[i], NULL, post_many, &posters[i]);
    }
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(loop_call(loop, do_nothing, NULL)); // all that was posted before has run
    for (int i = 0; i < POSTERS; i++) {
        assert_int_equal(posters[i].next, POSTS);
        assert_int_equal(posters[i].wrong, 0);
    }
    stop_loop(loop, thread);
}

struct nested {
    struct loop *loop;
    char log[8];
    int size;
};

static void note_b(void *user) {
    struct nested *nested = user;
    nested->log[nested->size++] = 'b';
}

static void post_b_and_note_a(void *user) {
    struct nested *nested = user;
    loop_post(nested->loop, note_b, nested);
    nested->log[nested->size++] = 'a';
}

static void test_loop_posts_from_the_loop_itself_wait_their_turn(void **state) {
    struct nested nested = {.loop = loop_create()};
    loop_post(nested.loop, post_b_and_note_a, &nested);
    loop_post(nested.loop, post_b_and_note_a, &nested);
    loop_destroy(nested.loop);
    assert_string_equal(nested.log, "aabb");
}

// ---- call ----

struct question {
    struct loop *loop;
    bool was_current;
    int answer;
};

static void answer(void *user) {
    struct question *question = user;
    question->was_current = loop_is_current(question->loop);
    question->answer = 42;
}

static void test_loop_call_waits_for_the_answer(void **state) {
    pthread_t thread;
    struct question question = {.loop = start_loop(&thread)};
    assert_true(loop_call(question.loop, answer, &question));
    assert_int_equal(question.answer, 42);
    assert_true(question.was_current);
    assert_false(loop_is_current(question.loop));
    stop_loop(question.loop, thread);
}

static void call_from_the_loop(void *user) {
    struct question *question = user;
    question->answer = 0;
    assert_true(loop_call(question->loop, answer, question));
    assert_int_equal(question->answer, 42);
}

static void test_loop_call_on_the_loop_itself_runs_at_once(void **state) {
    struct question question = {.loop = loop_create()};
    call_from_the_loop(&question); // not running yet: this thread is the one that made it
    loop_post(question.loop, call_from_the_loop, &question);
    loop_post(question.loop, quit, question.loop);
    loop_run(question.loop);
    call_from_the_loop(&question); // and it has quit
    loop_destroy(question.loop);
}

static void *call_after_quit(void *user) {
    static int runs;
    bool was_run = loop_call(user, count, &runs);
    assert_int_equal(runs, 0);
    return was_run ? user : NULL;
}

static void test_loop_call_after_quit_is_refused_and_not_run(void **state) {
    pthread_t thread;
    void *was_run;
    struct loop *loop = loop_create();
    loop_quit(loop);
    loop_run(loop); // returns: the quit came before it
    pthread_create(&thread, NULL, call_after_quit, loop);
    pthread_join(thread, &was_run);
    assert_null(was_run);
    loop_destroy(loop);
}

// ---- quit against callers that wait ----

struct caller {
    struct loop *loop;
    atomic_int *runs;
    atomic_int *calls_made;
    int yes, no;
};

static void count_atomic(void *user) {
    atomic_fetch_add((atomic_int *)user, 1);
}

static void *call_until_refused(void *user) {
    struct caller *caller = user;
    while (loop_call(caller->loop, count_atomic, caller->runs)) {
        caller->yes++;
        atomic_fetch_add(caller->calls_made, 1);
    }
    caller->no++;
    return NULL;
}

static void test_loop_quit_lets_go_of_every_caller(void **state) {
    for (int round = 0; round < 100; round++) {
        atomic_int runs = 0, calls_made = 0;
        pthread_t thread, threads[POSTERS];
        struct caller callers[POSTERS];
        struct loop *loop = start_loop(&thread);
        for (int i = 0; i < POSTERS; i++) {
            callers[i] = (struct caller){loop, &runs, &calls_made, 0, 0};
            pthread_create(&threads[i], NULL, call_until_refused, &callers[i]);
        }
        while (atomic_load(&calls_made) < round)
            sched_yield();
        loop_quit(loop);
        int yes = 0;
        for (int i = 0; i < POSTERS; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(callers[i].no, 1);
            yes += callers[i].yes;
        }
        pthread_join(thread, NULL);
        assert_int_equal(atomic_load(&runs), yes); // yes means run, no means not run
        loop_destroy(loop);
    }
}

static void *call_once(void *user) {
    struct caller *caller = user;
    atomic_fetch_add(caller->calls_made, 1);
    if (loop_call(caller->loop, count_atomic, caller->runs))
        caller->yes++;
    else
        caller->no++;
    return NULL;
}

// Nobody turns the loop, so the callers can only be let go by the quit.
static void test_loop_quit_lets_go_of_callers_of_a_loop_that_never_ran(void **state) {
    atomic_int runs = 0, calls_made = 0;
    pthread_t threads[POSTERS];
    struct caller callers[POSTERS];
    struct loop *loop = loop_create();
    for (int i = 0; i < POSTERS; i++) {
        callers[i] = (struct caller){loop, &runs, &calls_made, 0, 0};
        pthread_create(&threads[i], NULL, call_once, &callers[i]);
    }
    while (atomic_load(&calls_made) < POSTERS)
        sched_yield();
    loop_quit(loop);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].no, 1);
    }
    assert_int_equal(atomic_load(&runs), 0);
    loop_destroy(loop);
}

// ---- the end ----

static void test_loop_destroy_runs_what_is_still_queued(void **state) {
    int runs = 0;
    struct loop *loop = loop_create();
    loop_post(loop, count, &runs);
    loop_quit(loop);
    loop_run(loop);
    loop_post(loop, count, &runs);
    assert_int_equal(runs, 0);
    loop_destroy(loop);
    assert_int_equal(runs, 2);
    loop_destroy(NULL);
}

static void test_loop_drain_runs_posts_after_the_quit(void **state) {
    int runs = 0;
    struct loop *loop = loop_create();
    loop_quit(loop);
    loop_post(loop, count, &runs);
    loop_drain(loop);
    assert_int_equal(runs, 1);
    loop_destroy(loop);
    assert_int_equal(runs, 1);
}

// ---- timers ----

struct ticking {
    struct loop *loop;
    unsigned id;
    int ticks, other_ticks;
};

static void tick(void *user) {
    struct ticking *ticking = user;
    if (++ticking->ticks == 3) {
        loop_stop_timer(ticking->loop, ticking->id);
        loop_stop_timer(ticking->loop, ticking->id); // twice does no harm
    }
}

static void other_tick(void *user) {
    struct ticking *ticking = user;
    if (++ticking->other_ticks == 20)
        loop_quit(ticking->loop);
}

static void test_loop_timer_ticks_until_it_is_stopped(void **state) {
    struct ticking ticking = {.loop = loop_create()};
    ticking.id = loop_every(ticking.loop, 1, tick, &ticking);
    unsigned other = loop_every(ticking.loop, 1, other_tick, &ticking);
    assert_int_not_equal(ticking.id, 0);
    assert_int_not_equal(other, 0);
    loop_run(ticking.loop);
    assert_int_equal(ticking.ticks, 3);
    loop_stop_timer(ticking.loop, other);
    loop_stop_timer(ticking.loop, 0);
    loop_destroy(ticking.loop);
}

static void post_again(void *user) {
    struct ticking *ticking = user;
    if (ticking->ticks < 3)
        loop_post(ticking->loop, post_again, ticking);
    else
        loop_quit(ticking->loop);
}

static void test_loop_that_is_busy_with_posts_still_serves_timers(void **state) {
    struct ticking ticking = {.loop = loop_create()};
    ticking.id = loop_every(ticking.loop, 1, tick, &ticking);
    loop_post(ticking.loop, post_again, &ticking);
    loop_run(ticking.loop);
    assert_int_equal(ticking.ticks, 3);
    loop_destroy(ticking.loop);
}

int main(void) {
    alarm(60); // a caller that hangs fails the run, rather than holding it up
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_runs_posts_in_the_order_of_each_thread),
        cmocka_unit_test(test_loop_posts_from_the_loop_itself_wait_their_turn),
        cmocka_unit_test(test_loop_call_waits_for_the_answer),
        cmocka_unit_test(test_loop_call_on_the_loop_itself_runs_at_once),
        cmocka_unit_test(test_loop_call_after_quit_is_refused_and_not_run),
        cmocka_unit_test(test_loop_quit_lets_go_of_every_caller),
        cmocka_unit_test(test_loop_quit_lets_go_of_callers_of_a_loop_that_never_ran),
        cmocka_unit_test(test_loop_destroy_runs_what_is_still_queued),
        cmocka_unit_test(test_loop_drain_runs_posts_after_the_quit),
        cmocka_unit_test(test_loop_timer_ticks_until_it_is_stopped),
        cmocka_unit_test(test_loop_that_is_busy_with_posts_still_serves_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
