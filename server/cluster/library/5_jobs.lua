
-- Fine-tuning jobs. Below the key of the jobs, which is itself the sorted set of their ids by
-- their numbers:
--   :counts           a hash of counters: job, event, checkpoint, changes
--   :status:N         the numbers of the jobs of a status, sorted
--   :ended            the numbers of those that are over, by when they ended
--   :last             a hash: under a name, the number of the last job that was to be the only one
--                     of it
--   :NUMBER           a job, a hash: its columns; `revision`, which each change raises; `owner`,
--                     which node works at it, and `seen`, when that was last heard of; and
--                     `finishing`: its version is being stored
--   :NUMBER:events, :NUMBER:checkpoints   streams whose ids are the rows'
--   :NUMBER:series, :NUMBER:state         lists of pieces of bytes
--   :NUMBER:sessions  a list
--   :upload:NAME      a list of pieces that is to become one of these

local LOST_MS = 10000          -- a node that was not heard of for so long has lost its job
local UPLOAD_IS_KEPT_MS = 600000
local SCAN = 1000              -- jobs that are looked at in a call, at most
local N_STATUSES = 7
local VALIDATING, QUEUED, RUNNING, FIRST_OVER = '0', '1', '2', 4
local ELSEWHERE = 7
local GONE, IS_THERE, NO_UPLOAD, HAS_ANOTHER = -1, -1, -2, -3

local function is_over(status)
    return tonumber(status) >= FIRST_OVER
end

local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function count_up(jobs, name)
    return redis.call('HINCRBY', jobs .. ':counts', name, 1)
end

-- The command with the words from..to of the arguments behind its own.
local function call_with(command, arguments, from, to)
    for a = from, to do
        command[#command + 1] = arguments[a]
    end
    return redis.call(unpack(command))
end

-- A row of n words, arguments[at] and those behind it. Returns its id, and where the next begins.
local function add_row(jobs, number, what, arguments, at)
    local id = count_up(jobs, what)
    local last = at + arguments[at]
    call_with({ 'XADD', jobs .. ':' .. number .. ':' .. what .. 's', id .. '-0' }, arguments, at + 1, last)
    return id, last + 1
end

local function drop_data(job)
    redis.call('UNLINK', job .. ':series', job .. ':sessions', job .. ':state')
end

-- What was uploaded becomes the job's.
local function take_upload(jobs, upload, key)
    redis.call('RENAME', jobs .. ':upload:' .. upload, key)
    redis.call('PERSIST', key)
end

local function has_upload(jobs, upload)
    return upload == '' or redis.call('EXISTS', jobs .. ':upload:' .. upload) == 1
end

local function count_by_status(jobs)
    local counts = {}
    for status = 0, N_STATUSES - 1 do
        counts[status + 1] = redis.call('ZCARD', jobs .. ':status:' .. status)
    end
    return counts
end

local function with_columns(jobs, number)
    return { tonumber(number), redis.call('HGETALL', jobs .. ':' .. number) }
end

local function job_upload(keys, arguments)
    local key = keys[2] .. ':upload:' .. arguments[2]
    redis.call('RPUSH', key, arguments[3])
    redis.call('PEXPIRE', key, UPLOAD_IS_KEPT_MS)
    return 1
end

-- Whether the last one of that name is not over, or was created at that time or later.
local function has_another(jobs, name, since)
    local number = redis.call('HGET', jobs .. ':last', name)
    if not number then
        return false
    end
    local last = redis.call('HMGET', jobs .. ':' .. number, 'status', 'created_at_ms')
    return last[1] and (not is_over(last[1]) or (tonumber(last[2]) or 0) >= tonumber(since))
end

-- What a new job is answered with that is not to be, or nil.
local function refuse_new(jobs, arguments)
    local most, upload, name, since = arguments[4] + 0, unpack(arguments, 5, 7)
    if name ~= '' and has_another(jobs, name, since) then
        return HAS_ANOTHER
    end
    local counts = count_by_status(jobs)
    if most >= 0 and counts[1] + counts[2] + counts[4] >= most then
        return counts
    end
    if redis.call('ZSCORE', jobs, arguments[2]) then
        return IS_THERE
    end
    return not has_upload(jobs, upload) and NO_UPLOAD or nil
end

local function job_insert(keys, arguments)
    local jobs, id, status, upload, name = keys[2], arguments[2], arguments[3], arguments[5], arguments[6]
    local refused = refuse_new(jobs, arguments)
    if refused then
        return refused
    end
    count_write(keys[1])
    local number = count_up(jobs, 'job')
    local job = jobs .. ':' .. number
    local event_at = 9 + arguments[8]
    for a = 9, event_at - 1 do
        redis.call('RPUSH', job .. ':sessions', arguments[a])
    end
    local columns_at = event_at + 1
    local event_id = 0
    if arguments[event_at] ~= '0' then
        event_id, columns_at = add_row(jobs, number, 'event', arguments, event_at)
    end
    if upload ~= '' then
        take_upload(jobs, upload, job .. ':series')
    end
    call_with({ 'HSET', job, 'revision', 1 }, arguments, columns_at, #arguments)
    redis.call('ZADD', jobs .. ':status:' .. status, number, number)
    redis.call('ZADD', jobs, number, id)
    if name ~= '' then
        redis.call('HSET', jobs .. ':last', name, number)
    end
    count_up(jobs, 'changes')
    return { number, event_id }
end

local function job_find(keys, arguments)
    local number = redis.call('ZSCORE', keys[2], arguments[2])
    return number and with_columns(keys[2], number) or 0
end

-- Behind the first entry, from which number the next call is to go on (0: that was all), jobs of
-- smaller numbers, the newest first.
local function job_list(keys, arguments)
    local jobs, below, model, limit = keys[2], arguments[2], arguments[3], arguments[5] + 0
    local index = arguments[4] == '-1' and jobs or jobs .. ':status:' .. arguments[4]
    local n = model == '' and limit or SCAN
    local found = redis.call('ZRANGE', index, below, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, n, 'WITHSCORES')
    local listed = { 0 }
    for k = 2, #found, 2 do
        if model == '' or redis.call('HGET', jobs .. ':' .. found[k], 'model') == model then
            listed[#listed + 1] = with_columns(jobs, found[k])
        end
        if #listed > limit or k == 2 * n then
            listed[1] = tonumber(found[k])
            break
        end
    end
    return listed
end

-- Whether nobody else works at the job, as far as is known.
local function is_free(job, me, now)
    local owner = redis.call('HGET', job, 'owner')
    return not owner or owner == me or now - (tonumber(redis.call('HGET', job, 'seen') or 0) or 0) > LOST_MS
end

local function job_take(keys, arguments)
    local jobs, me, now = keys[2], arguments[2], now_ms()
    for _, status in ipairs({ RUNNING, VALIDATING, QUEUED }) do
        local index = jobs .. ':status:' .. status
        for _, number in ipairs(redis.call('ZRANGE', index, 0, SCAN)) do
            local job = jobs .. ':' .. number
            if is_free(job, me, now) then
                redis.call('HINCRBY', job, 'revision', 1)
                redis.call('HDEL', job, 'finishing')
                redis.call('HSET', job, 'owner', me, 'seen', now)
                return with_columns(jobs, number)
            end
        end
    end
    return 0
end

-- Who works at a job is heard of by this. The counter of changes, how many jobs there are of each
-- status, and the status of that job.
local function job_look(keys, arguments)
    local jobs, number = keys[2], arguments[3]
    local seen = count_by_status(jobs)
    table.insert(seen, 1, tonumber(redis.call('HGET', jobs .. ':counts', 'changes') or 0) or 0)
    local status = ELSEWHERE
    local job = jobs .. ':' .. number
    if number ~= '0' and redis.call('HGET', job, 'owner') == arguments[2] then
        redis.call('HSET', job, 'seen', now_ms())
        status = tonumber(redis.call('HGET', job, 'status')) or ELSEWHERE
    end
    seen[#seen + 1] = status
    return seen
end

local function job_claim(keys, arguments)
    local job = keys[2] .. ':' .. arguments[3]
    local status = redis.call('HGET', job, 'status')
    if not status then
        return GONE
    end
    if redis.call('HGET', job, 'owner') ~= arguments[2] then
        return ELSEWHERE
    end
    if status == RUNNING then
        redis.call('HSET', job, 'finishing', 1)
        redis.call('HINCRBY', job, 'revision', 1)
    end
    return tonumber(status)
end

local function job_release(keys, arguments)
    local job = keys[2] .. ':' .. arguments[3]
    if redis.call('HGET', job, 'owner') ~= arguments[2] then
        return 0
    end
    redis.call('HDEL', job, 'owner', 'seen', 'finishing')
    redis.call('HINCRBY', job, 'revision', 1)
    return 1
end

-- Its owner changes a job whatever has happened to it but for its status; others, if it is as they
-- have read it.
local function may_change(job, me, revision)
    return redis.call('HGET', job, 'owner') == me or
        (redis.call('HGET', job, 'revision') == revision and redis.call('HEXISTS', job, 'finishing') == 0)
end

local function move(jobs, number, from, to, ended_at)
    redis.call('ZREM', jobs .. ':status:' .. from, number)
    redis.call('ZADD', jobs .. ':status:' .. to, number, number)
    if is_over(to) then
        redis.call('ZADD', jobs .. ':ended', ended_at, number)
        redis.call('HDEL', jobs .. ':' .. number, 'owner', 'seen', 'finishing')
        drop_data(jobs .. ':' .. number)
    else
        redis.call('ZREM', jobs .. ':ended', number)
    end
end

-- A job goes on by itself, and does so again where that is lost.
local function goes_on(status)
    return tonumber(status) <= tonumber(RUNNING)
end

local function job_update(keys, arguments)
    local jobs, number, from, to = keys[2], arguments[3], arguments[5], arguments[6]
    local job = jobs .. ':' .. number
    local status = redis.call('HGET', job, 'status')
    if not status then
        return GONE
    end
    if status ~= from then
        return { 0, tonumber(status) }
    end
    if not may_change(job, arguments[2], arguments[4]) then
        return { 0, ELSEWHERE }
    end
    if not (goes_on(from) and goes_on(to)) then
        count_write(keys[1])
    end
    local reply = { 1, tonumber(to) }
    local at = 9
    for k = 1, arguments[8] do
        reply[k + 2], at = add_row(jobs, number, 'event', arguments, at)
    end
    call_with({ 'HSET', job }, arguments, at, #arguments)
    redis.call('HINCRBY', job, 'revision', 1)
    if from ~= to then
        move(jobs, number, from, to, arguments[7])
    end
    count_up(jobs, 'changes')
    return reply
end

-- Of its owner's job: GONE, 0 where it is not, or nil.
local function refuse(job, me)
    local status = redis.call('HGET', job, 'status')
    if not status then
        return GONE
    end
    return (is_over(status) or redis.call('HGET', job, 'owner') ~= me) and 0 or nil
end

local function job_event(keys, arguments)
    local refused = refuse(keys[2] .. ':' .. arguments[3], arguments[2])
    if refused then
        return refused
    end
    local id = add_row(keys[2], arguments[3], 'event', arguments, 4)
    count_up(keys[2], 'changes')
    return id
end

-- The pieces, list `what` of the job, are replaced by what was uploaded.
local function put_data(jobs, number, what, upload)
    local key = jobs .. ':' .. number .. ':' .. what
    if upload == '' then
        redis.call('UNLINK', key)
    else
        take_upload(jobs, upload, key)
    end
end

local function job_checkpoint(keys, arguments)
    local job = keys[2] .. ':' .. arguments[3]
    local refused = refuse(job, arguments[2])
    if refused then
        return refused
    end
    if not has_upload(keys[2], arguments[4]) then
        return NO_UPLOAD
    end
    local id = add_row(keys[2], arguments[3], 'checkpoint', arguments, 5)
    put_data(keys[2], arguments[3], 'state', arguments[4])
    redis.call('HSET', job, 'state', id)
    return id
end

local function job_put_series(keys, arguments)
    local refused = refuse(keys[2] .. ':' .. arguments[3], arguments[2])
    if refused then
        return refused
    end
    if not has_upload(keys[2], arguments[4]) then
        return NO_UPLOAD
    end
    put_data(keys[2], arguments[3], 'series', arguments[4])
    return 1
end

-- How many pieces there are; of a state, its checkpoint, too.
local function job_data(keys, arguments)
    local job = keys[2] .. ':' .. arguments[2]
    local id = arguments[3] == 'state' and redis.call('HGET', job, 'state')
    local rows = id and redis.call('XRANGE', job .. ':checkpoints', id, id) or {}
    return { redis.call('LLEN', job .. ':' .. arguments[3]), rows }
end

local function job_piece(keys, arguments)
    return redis.call('LINDEX', keys[2] .. ':' .. arguments[2] .. ':' .. arguments[3], arguments[4])
end

local function job_sessions(keys, arguments)
    return redis.call('LRANGE', keys[2] .. ':' .. arguments[2] .. ':sessions', 0, -1)
end

local function job_events(keys, arguments)
    return redis.call('XRANGE', keys[2] .. ':' .. arguments[2] .. ':events', arguments[3], '+', 'COUNT', arguments[4])
end

local function job_checkpoints(keys, arguments)
    return redis.call('XREVRANGE', keys[2] .. ':' .. arguments[2] .. ':checkpoints', arguments[3], '-', 'COUNT',
        arguments[4])
end

local function job_forget(keys, arguments)
    drop_data(keys[2] .. ':' .. arguments[2])
    return 1
end

-- The first of those that ended before that moment. What it was, or ELSEWHERE: there is none.
local function job_delete_ended(keys, arguments)
    local jobs = keys[2]
    local number = redis.call('ZRANGE', jobs .. ':ended', '-inf', '(' .. arguments[2], 'BYSCORE', 'LIMIT', 0, 1)[1]
    if not number then
        return ELSEWHERE
    end
    local job = jobs .. ':' .. number
    local was = redis.call('HMGET', job, 'status', 'id')
    redis.call('ZREM', jobs .. ':status:' .. (was[1] or ''), number)
    redis.call('ZREM', jobs, was[2] or '')
    redis.call('ZREM', jobs .. ':ended', number)
    drop_data(job)
    redis.call('UNLINK', job, job .. ':events', job .. ':checkpoints')
    return tonumber(was[1]) or ELSEWHERE - 1
end

register('job_upload', job_upload, {})
register_counted('job_insert', job_insert)
register('job_find', job_find, { 'no-writes' })
register('job_list', job_list, { 'no-writes' })
register('job_take', job_take, {})
register('job_look', job_look, {})
register('job_claim', job_claim, {})
register('job_release', job_release, {})
register_counted('job_update', job_update)
register('job_event', job_event, {})
register('job_checkpoint', job_checkpoint, {})
register('job_put_series', job_put_series, {})
register('job_data', job_data, { 'no-writes' })
register('job_piece', job_piece, { 'no-writes' })
register('job_sessions', job_sessions, { 'no-writes' })
register('job_events', job_events, { 'no-writes' })
register('job_checkpoints', job_checkpoints, { 'no-writes' })
register('job_forget', job_forget, {})
register('job_delete_ended', job_delete_ended, {})
