/* test/servers/MongoServer.java — mongo-java-server in memory, at the port given. */
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

public class MongoServer {
	public static void main(String[] arguments) throws Exception {
		var server = new de.bwaldvogel.mongo.MongoServer(new MemoryBackend());
		server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
		Thread.currentThread().join();
	}
}
