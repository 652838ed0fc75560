-- wrk.lua - asks by GET or POST, for one name or for random ones, and prints the result as one line of JSON.
-- Arguments after "--": METHOD PATH HOST BODY-FILE-or-"-" COUNT
-- With COUNT, "@N@" in path and body becomes a random number below it, another at each request.

function init(arguments)
    wrk.method, wrk.path = arguments[1], arguments[2]
    wrk.headers["Host"] = arguments[3]
    if arguments[4] ~= "-" then
        local file = assert(io.open(arguments[4], "rb"))
        wrk.body = file:read("*a")
        file:close()
        wrk.headers["Content-Type"] = "text/xml"
    end
    local count = tonumber(arguments[5])
    if count == 0 then
        return
    end
    -- The address of a new table differs between the threads, which the time does not.
    math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 1000003)
    local head, tail = wrk.format(wrk.method, wrk.path, nil, wrk.body):match("^(.-)@N@(.*)$")
    -- Only where it is needed: without it wrk sends the same bytes again, which is cheaper for it.
    function request()
        return head .. math.random(0, count - 1) .. tail
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests": %d, "seconds": %.6f, "p50": %.1f, "p99": %.1f, "status": %d, "broken": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
