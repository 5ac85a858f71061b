using System.Text;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>A job as it is written down: a HOCON file, and single values laid over it.</summary>
/// <param name="Job">Ready to be submitted; its data's headers have been looked at, for the model's last layer needs the classes.</param>
/// <param name="HostConfig">HOCON with what the file and the overrides say under <c>singa</c> and <c>akka</c>: the host's, not the job's.</param>
/// <param name="Options">What the file says that changes nothing of what is trained: where the job is saved.</param>
public sealed record JobFile(TrainingJob Job, TrainingOptions Options, string HostConfig)
{
    private const int BytesMax = 1 << 20;

    /// <summary>What was made of the file that does not stand in it, a sentence each.</summary>
    public Seq<string> Notes { get; init; }

    private static readonly string[] Roots = ["job", "singa", "akka"];

    /// <param name="overrides"><c>PATH=VALUE</c>, the later the stronger: a full path as in <c>job.seed=8</c>; VALUE is HOCON where it parses, else a text.</param>
    /// <exception cref="JobRefusedException">One sentence that names file, key and what is right.</exception>
    public static JobFile Read(string path, IEnumerable<string>? overrides = null)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return Parse(ReadText(file, path), path, Path.GetDirectoryName(Path.GetFullPath(path))!, overrides);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new JobRefusedException(
                File.Exists(path) ? $"{path} cannot be read: {exception.Message}" : $"there is no job file {path}; correct the path", exception);
        }
    }

    /// <summary>A job's text, which is short and UTF-8.</summary>
    /// <exception cref="JobRefusedException">It is not.</exception>
    /// <exception cref="IOException"/>
    internal static string ReadText(Stream file, string path)
    {
        if (file.Length > BytesMax)
            throw new JobRefusedException($"{path} has {file.Length:N0} bytes; no job is longer than {BytesMax:N0}");
        try
        {
            using var text = new StreamReader(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: false, leaveOpen: true);
            return text.ReadToEnd();
        }
        catch (DecoderFallbackException exception)
        {
            throw new JobRefusedException($"{path} is not UTF-8; convert it", exception);
        }
    }

    /// <param name="origin">What the text is called where something in it is refused.</param>
    /// <param name="folder">Where relative paths of data begin.</param>
    /// <exception cref="JobRefusedException"/>
    public static JobFile Parse(string text, string origin, string folder, IEnumerable<string>? overrides = null)
    {
        var written = JobSettings.Parse(text, origin);
        foreach (var (path, value) in (overrides ?? []).Select(Split))
        {
            if (!Roots.Contains(path.Split('.')[0]) && JobReader.Keys.Contains(path.Split('.')[0]))
                throw new JobRefusedException($"--set {path} is unknown; did you mean job.{path}?");
            written = JobSettings.Override(path, value).Over(written);
        }

        written.Only(Roots);
        if (written.Find("job") is null)
            throw new JobRefusedException($"{origin} has no job {{ … }}; write one with at least model and data");
        var settings = written.Over(JobSettings.Defaults);
        var notes = new List<string>();
        var job = JobReader.Read(settings["job"], Path.GetFileNameWithoutExtension(origin), folder, notes);
        return new JobFile(job, JobReader.Options(settings["job"], folder), string.Concat(Roots[1..].SelectMany(root => written.Find(root)?.Lines ?? []))) { Notes = [.. notes] };
    }

    /// <summary>Whether a text is a job's, even where its data is not at hand.</summary>
    /// <exception cref="JobRefusedException">It is not.</exception>
    public static void Check(string text, string origin, string folder)
    {
        var written = JobSettings.Parse(text, origin);
        written.Only(Roots);
        if (written.Find("job") is null)
            throw new JobRefusedException($"{origin} has no job {{ … }}; write one with at least model and data");
        var job = written.Over(JobSettings.Defaults)["job"];
        JobReader.Check(job, Path.GetFileNameWithoutExtension(origin), folder);
        JobReader.Options(job, folder);
    }

    /// <summary>A <c>PATH=VALUE</c> apart.</summary>
    /// <exception cref="JobRefusedException">There is no path, or it is none.</exception>
    public static (string Path, string Value) Split(string assignment)
    {
        int equals = assignment.IndexOf('=');
        string path = equals < 0 ? "" : assignment[..equals].Trim();
        if (path.Length == 0 || path.Split('.').Any(key => key.Length == 0 || !key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
            throw new JobRefusedException($"'{assignment}' sets nothing; write PATH=VALUE, as in job.seed=8");
        return (path, assignment[(equals + 1)..]);
    }
}
