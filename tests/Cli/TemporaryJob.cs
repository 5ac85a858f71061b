namespace Singa.Actors.Cli.Tests;

/// <summary>A folder with a small job in it, gone after the test.</summary>
internal sealed class TemporaryJob : IDisposable
{
    /// <summary>A hundred samples in steps of 32: three full ones and a short one in each of two epochs.</summary>
    private const string Text = """
        job {
          model = mlp
          data { kind = digits, train = 100, test = 50 }
          optimizer { kind = sgd, learning-rate = 0.01, momentum = 0.9, schedule { kind = cosine } }
          batch-size = 32, epochs = 2, seed = 1
        }
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("singa-cli-").FullName;

    public TemporaryJob() => System.IO.File.WriteAllText(File, Text);

    public string File => this["job.conf"];

    public string this[string file] => Path.Combine(folder, file);

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
