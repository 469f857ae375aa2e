// JavaScript with two functions that share the CPU time 75 / 25: work.js [SECONDS of CPU time].
'use strict';

function scriptHot(state) {
    for (let i = 0; i < 3000000; i++)
        state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state;
}

function scriptCold(state) {
    for (let i = 0; i < 1000000; i++)
        state = (Math.imul(state, 1103515245) + 54321) & 0x7fffffff;
    return state;
}

function cpuSeconds() {
    const usage = process.cpuUsage();
    return (usage.user + usage.system) / 1e6;
}

function main() {
    const limit = Number(process.argv[2] || 1);
    let state = 1, rounds = 0, hot = 0, cold = 0;
    while (cpuSeconds() < limit) {
        const begin = cpuSeconds();
        state = scriptHot(state);
        const middle = cpuSeconds();
        state = scriptCold(state);
        hot += middle - begin;
        cold += cpuSeconds() - middle;
        rounds++;
    }
    console.log('rounds', rounds);
    console.log('checksum', state);
    console.log('cpu_s', cpuSeconds().toFixed(6));
    console.log('scriptHot', (hot / (hot + cold)).toFixed(6));
    console.log('scriptCold', (cold / (hot + cold)).toFixed(6));
}

main();
