// What an Android app does with the phones' core, on a JVM. `run.py` starts it and is its person at the agent.
import deputy.core.Act
import deputy.core.Agent
import deputy.core.AgentException
import deputy.core.CommandState
import deputy.core.LineState
import deputy.core.Listener
import deputy.core.Notice
import deputy.core.PairingException
import deputy.core.RunState
import deputy.core.pair
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

const val LONGEST = 60_000L

class Told : Listener {
    private val notices = Channel<Notice>(Channel.UNLIMITED)

    override fun told(notice: Notice) {
        notices.trySend(notice)
    }

    /** Waits for a condition, looked at after each notice. */
    suspend fun until(condition: suspend () -> Boolean) = withTimeout(LONGEST) {
        while (!condition()) notices.receive()
    }
}

fun main(args: Array<String>): Unit = runBlocking {
    val (link, directory) = args
    val refused = runCatching { pair("https://example.org", "phone") }.exceptionOrNull()
    check(refused is PairingException) { "no link pairs: $refused" }

    val comparing = withTimeout(LONGEST) { pair(link, "phone") }
    println("phrase ${comparing.phrase()}")
    val paired = withTimeout(LONGEST) { comparing.finish() }

    val told = Told()
    val agent = Agent.open(paired.device, directory, told)
    told.until { agent.line() is LineState.Open }
    val automation = agent.automations(false).single()
    val command = agent.command(Act.AutomationRun(automation.id))
    told.until { agent.commands().any { it.id == command && it.state is CommandState.Applied } }
    told.until { agent.runs(automation.id, null, 10u).any { it.state is RunState.Succeeded } }

    val error = runCatching { agent.run("r999") }.exceptionOrNull()
    check(error is AgentException.Refused) { "there is no such run: $error" }
    async { agent.status() }.cancelAndJoin()

    agent.suspend()
    told.until { agent.line() is LineState.Resting }
    agent.resume()
    told.until { agent.line() is LineState.Open }
    println("version ${agent.status().version}")
    agent.letGo()
    agent.destroy()
}
