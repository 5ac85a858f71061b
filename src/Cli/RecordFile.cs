using Singa.Actors.Runtime.Observing;

namespace Singa.Actors.Cli;

/// <summary>A file with lines of steps, new or left by an earlier run of the job.</summary>
internal sealed record RecordFile(string Path, FileStream Stream, bool Resumes, long? Recorded)
{
    /// <param name="path">Null: nobody wants it.</param>
    /// <exception cref="Runtime.Jobs.JobRefusedException">It cannot be written.</exception>
    public static RecordFile? Open(string? path, bool resumes)
    {
        if (path is null)
            return null;
        var stream = resumes ? OutputFile.Open(path) : OutputFile.Create(path);
        // What goes down a pipe is gone.
        resumes &= stream.CanSeek;
        return new RecordFile(path, stream, resumes, resumes ? StepLines.Recorded(stream) : null);
    }

    /// <summary>Null, or which steps it will never have.</summary>
    public string? Begin(long firstStep)
    {
        if (Resumes)
            StepLines.CutFrom(Stream, firstStep);
        return Recorded < firstStep ? $"{Path} lacks steps {Recorded} to {firstStep - 1}: the run that took them ended before it could write them" : null;
    }
}
