// SPDX-License-Identifier: MIT
// What each command says to the server, and how its answer is shown.
#include "http/cli_call.h"
#include "http/cli_command.h"
#include "http/cli_table.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_BYTES = 1026 }; // with the end of its line

// ---- what all of them do ----

static int print_json(const struct cli *cli, json_t *json) {
    if (json) {
        json_dumpf(json, cli->out, JSON_INDENT(2));
        fputc('\n', cli->out);
    }
    json_decref(json);
    return CLI_OK;
}

static int list(const struct cli *cli, const char *path, const char *plural,
                const struct cli_column *columns) {
    json_t *json = NULL;
    int result = cli_call_list(cli, path, plural, &json);
    if (result != CLI_OK || cli->is_json)
        return result == CLI_OK ? print_json(cli, json) : result;
    cli_print_table(cli->out, json_object_get(json, plural), columns);
    json_decref(json);
    return CLI_OK;
}

// Takes body.
static int create(const struct cli *cli, const char *path, json_t *body,
                  const struct cli_column *columns) {
    json_t *json = NULL;
    int result = cli_call(cli, "POST", path, body, &json);
    if (result != CLI_OK || cli->is_json)
        return result == CLI_OK ? print_json(cli, json) : result;
    cli_print_object(cli->out, json, columns);
    json_decref(json);
    return CLI_OK;
}

// Takes path and body.
static int destroy(const struct cli *cli, char *path, json_t *body) {
    json_t *json = NULL;
    int result = cli_call(cli, "DELETE", path, body, &json);
    g_free(path);
    if (result == CLI_OK && cli->is_json)
        return print_json(cli, json);
    json_decref(json);
    return result;
}

static void add_text(const struct cli *cli, json_t *body, const char *flag, const char *key) {
    const char *value = cli_value(cli, flag);
    if (value)
        json_object_set_new(body, key, json_string(value));
}

static void add_switch(const struct cli *cli, json_t *body, const char *flag, const char *key) {
    if (cli_value(cli, flag))
        json_object_set_new(body, key, json_true());
}

static int add_number(const struct cli *cli, json_t *body, const char *flag, const char *key) {
    const char *value = cli_value(cli, flag);
    gint64 number;
    if (!value)
        return CLI_OK;
    if (!g_ascii_string_to_signed(value, 10, 0, G_MAXINT32, &number, NULL))
        return cli_complain(cli, CLI_USAGE, "--%s must be a whole number.", flag);
    json_object_set_new(body, key, json_integer(number));
    return CLI_OK;
}

// "speak,chat" or "speak chat"
static void add_list(const struct cli *cli, json_t *body, const char *flag, const char *key) {
    const char *value = cli_value(cli, flag);
    if (!value)
        return;
    json_t *names = json_array();
    char **words = g_strsplit_set(value, ", ", -1);
    for (char **word = words; *word; word++)
        if (**word)
            json_array_append_new(names, json_string(*word));
    g_strfreev(words);
    json_object_set_new(body, key, names);
}

// ---- rooms ----

static const struct cli_column room_columns[] = {
    {"ROOM", "id"},         {"TITLE", "title"},        {"MEMBERS", "members"},
    {"VIEWERS", "viewers"}, {"WAITING", "waiting"},    {"LAYOUT", "layout"},
    {"LOCKED", "locked"},   {"CREATED", "created_at"}, {NULL, NULL},
};

static int list_rooms(struct cli *cli) {
    return list(cli, "/rooms", "rooms", room_columns);
}

static int create_room(struct cli *cli) {
    json_t *body = json_object();
    if (cli->word_count > 0)
        json_object_set_new(body, "id", json_string(cli->words[0]));
    add_text(cli, body, "title", "title");
    add_text(cli, body, "layout", "layout");
    add_text(cli, body, "pin", "pin");
    add_switch(cli, body, "lobby", "lobby");
    add_switch(cli, body, "locked", "locked");
    if (add_number(cli, body, "max-members", "max_members") != CLI_OK) {
        json_decref(body);
        return CLI_USAGE;
    }
    return create(cli, "/rooms", body, room_columns);
}

static int end_room(struct cli *cli) {
    const char *reason = cli_value(cli, "reason");
    return destroy(
        cli, cli_path(reason ? "/rooms/%1?reason=%2" : "/rooms/%1", cli->words[0], reason), NULL);
}

// ---- members ----

static const struct cli_column member_columns[] = {
    {"MEMBER", "id"},         {"NAME", "name"},        {"ROLE", "role"},
    {"MUTED", "audio_muted"}, {"HIDDEN", "hidden"},    {"SPEAKING", "speaking"},
    {"QUALITY", "quality"},   {"JOINED", "joined_at"}, {NULL, NULL},
};

static int list_members(struct cli *cli) {
    char *path = cli_path("/rooms/%1/members", cli->words[0], NULL);
    int result = list(cli, path, "members", member_columns);
    g_free(path);
    return result;
}

static int kick_member(struct cli *cli) {
    json_t *body = json_object();
    add_text(cli, body, "reason", "reason");
    if (add_number(cli, body, "ban", "ban") != CLI_OK) {
        json_decref(body);
        return CLI_USAGE;
    }
    if (json_object_size(body) == 0) {
        json_decref(body);
        body = NULL;
    }
    return destroy(cli, cli_path("/rooms/%1/members/%2", cli->words[0], cli->words[1]), body);
}

// ---- users ----

static const struct cli_column user_columns[] = {
    {"LOGIN", "login"}, {"NAME", "name"},          {"E-MAIL", "email"},
    {"ROOM", "room"},   {"CREATED", "created_at"}, {NULL, NULL},
};

static int list_users(struct cli *cli) {
    return list(cli, "/users", "users", user_columns);
}

static bool read_line(FILE *from, char line[PASSWORD_BYTES]) {
    if (!fgets(line, PASSWORD_BYTES, from))
        return false;
    size_t bytes = strcspn(line, "\r\n");
    bool is_whole = line[bytes] != '\0' || feof(from);
    line[bytes] = '\0';
    return is_whole && bytes > 0;
}

// The terminal, whatever stdin is. Its echo comes back in every case.
static bool ask(FILE *terminal, const char *question, char line[PASSWORD_BYTES]) {
    struct termios before, silent;
    if (tcgetattr(fileno(terminal), &before) != 0)
        return false;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(terminal, "%s: ", question);
    fflush(terminal);
    bool is_silent = tcsetattr(fileno(terminal), TCSAFLUSH, &silent) == 0;
    bool is_good = is_silent && read_line(terminal, line);
    tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    fputc('\n', terminal);
    return is_good;
}

static int ask_password(const struct cli *cli, char password[PASSWORD_BYTES]) {
    char again[PASSWORD_BYTES];
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (!terminal)
        return cli_complain(cli, CLI_USAGE,
                            "There is no terminal to ask for a password: use --password-stdin.");
    bool is_asked = ask(terminal, "Password", password) && ask(terminal, "Once more", again);
    bool is_same = is_asked && strcmp(password, again) == 0;
    explicit_bzero(again, sizeof(again));
    fclose(terminal);
    if (!is_asked)
        return cli_complain(cli, CLI_FAILED, "No password was given.");
    return is_same ? CLI_OK : cli_complain(cli, CLI_FAILED, "The two passwords are not the same.");
}

static int get_password(const struct cli *cli, char password[PASSWORD_BYTES]) {
    if (!cli_value(cli, "password-stdin"))
        return ask_password(cli, password);
    return read_line(stdin, password)
               ? CLI_OK
               : cli_complain(cli, CLI_FAILED, "There is no password on the standard input.");
}

static int add_user(struct cli *cli) {
    char password[PASSWORD_BYTES] = "";
    int result = get_password(cli, password);
    json_t *body = result == CLI_OK
                       ? json_pack("{s:s, s:s}", "login", cli->words[0], "password", password)
                       : NULL;
    explicit_bzero(password, sizeof(password));
    if (result != CLI_OK)
        return result;
    if (!body)
        return cli_complain(cli, CLI_FAILED, "Login and password must be UTF-8.");
    add_text(cli, body, "name", "name");
    add_text(cli, body, "email", "email");
    return create(cli, "/users", body, user_columns);
}

static int remove_user(struct cli *cli) {
    return destroy(cli, cli_path("/users/%1", cli->words[0], NULL), NULL);
}

// ---- tokens ----

static int mint_token(struct cli *cli) {
    static const struct cli_column columns[] = {{"Link", "link"},
                                                {"Token", "token"},
                                                {"Role", "role"},
                                                {"Until", "expires_at"},
                                                {NULL, NULL}};
    json_t *body = json_pack("{s:s}", "room", cli->words[0]);
    if (!body)
        return cli_complain(cli, CLI_USAGE, "The room's name must be UTF-8.");
    add_text(cli, body, "name", "name");
    add_text(cli, body, "role", "role");
    add_list(cli, body, "permissions", "permissions");
    add_switch(cli, body, "single-use", "single_use");
    if (add_number(cli, body, "expires-in", "expires_in") != CLI_OK) {
        json_decref(body);
        return CLI_USAGE;
    }
    return create(cli, "/tokens", body, columns);
}

static int complete(struct cli *cli) {
    if (cli_print_completion(cli->words[0], cli->out))
        return CLI_OK;
    return cli_complain(cli, CLI_USAGE, "There are completions for bash, zsh and fish.");
}

// ---- the table ----

static const struct cli_flag room_flags[] = {
    {"title", "TEXT", "what people read above it"},
    {"layout", "NAME", "grid, speaker, screen, sidebar or spotlight"},
    {"max-members", "N", "how many may be in it"},
    {"pin", "PIN", "whoever joins must know it"},
    {"lobby", NULL, "whoever joins waits until a moderator admits them"},
    {"locked", NULL, "nobody may join"},
    {NULL, NULL, NULL},
};
static const struct cli_flag end_flags[] = {{"reason", "TEXT", "what its members read"},
                                            {NULL, NULL, NULL}};
static const struct cli_flag kick_flags[] = {
    {"ban", "SECONDS", "for how long they may not come back"},
    {"reason", "TEXT", "what they read"},
    {NULL, NULL, NULL},
};
static const struct cli_flag user_flags[] = {
    {"name", "TEXT", "how they are called in calls"},
    {"email", "ADDRESS", "they may sign in with it, too"},
    {"password-stdin", NULL, "read the password from the standard input"},
    {NULL, NULL, NULL},
};
static const struct cli_flag token_flags[] = {
    {"name", "TEXT", "how its holder is called; else they choose"},
    {"role", "ROLE", "viewer, member (if not given) or moderator"},
    {"permissions", "LIST", "speak,camera,screen,chat,react,record; else those of the role"},
    {"expires-in", "SECONDS", "from now; an hour if not given"},
    {"single-use", NULL, "it opens the door once"},
    {NULL, NULL, NULL},
};

// clang-format off
const struct cli_command cli_commands[] = {
    {"completion", NULL,     "bash|zsh|fish", 1, 1, "Print the completion script of a shell.",      NULL,        complete},
    {"member",     "kick",   "ROOM MEMBER",   2, 2, "Send somebody out of a room.",                 kick_flags,  kick_member},
    {"member",     "list",   "ROOM",          1, 1, "Who is in a room.",                            NULL,        list_members},
    {"room",       "create", "[ROOM]",        0, 1, "Make a room; without a name, it gets one.",    room_flags,  create_room},
    {"room",       "end",    "ROOM",          1, 1, "End a room for everybody in it.",              end_flags,   end_room},
    {"room",       "list",   "",              0, 0, "The rooms that are live.",                     NULL,        list_rooms},
    {"token",      NULL,     "ROOM",          1, 1, "Make a link that lets somebody into a room.",  token_flags, mint_token},
    {"user",       "add",    "LOGIN",         1, 1, "Make an account; asks for the password.",      user_flags,  add_user},
    {"user",       "list",   "",              0, 0, "Who has an account.",                          NULL,        list_users},
    {"user",       "remove", "USER",          1, 1, "Remove an account and all that is theirs.",    NULL,        remove_user},
};
// clang-format on
const int cli_commands_count = sizeof(cli_commands) / sizeof(cli_commands[0]);
